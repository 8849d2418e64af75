"""`python -m reference`: write docs/configuration.md, docs/stack.schema.json and the keys of Pulumi.yaml."""

from reference.files import ROOT, files


def main() -> None:
    """Write each file that has changed."""
    for path, text in files().items():
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)
            print(f"Wrote {path.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
