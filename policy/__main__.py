"""Entry point of the policy pack: `pulumi up --policy-pack policy`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # The engine runs this directory, but the pack and the tables are modules of the directory above.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

    from policy.pack import serve

    serve()
