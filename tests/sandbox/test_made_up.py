"""Stack files without secrets, for planning and comparing."""

import pytest

from sandbox.made_up import without_secrets

pytestmark = pytest.mark.unit


def test_who_plans_needs_no_key_for_the_stack_s_secrets() -> None:
    stack_file = {
        "secretsprovider": "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k",
        "encryptedkey": "CiQA",
        "encryptionsalt": "v1:salt",
        "config": {
            "sacred-council:stage": "local",
            "sacred-council:cockroachdbLicense": {"secure": "v1:abc"},
            "sacred-council:regions": [{"name": "local", "cloud": "existing"}],
        },
    }
    plain, secrets = without_secrets(stack_file)
    assert secrets.keys() == {"sacred-council:cockroachdbLicense"}
    assert plain == {
        "config": {
            "sacred-council:stage": "local",
            "sacred-council:regions": [{"name": "local", "cloud": "existing"}],
        }
    }


def test_a_stack_without_secrets_stays_as_it_is() -> None:
    stack_file = {"config": {"sacred-council:database": {"nodes": 3}}}
    assert without_secrets(stack_file) == (stack_file, {})


def test_a_secret_that_was_set_anew_shows_as_a_change() -> None:
    def made_up(text: str) -> str:
        return without_secrets({"config": {"sacred-council:alertWebhookUrl": {"secure": text}}})[1].popitem()[1]

    assert made_up("v1:abc") == made_up("v1:abc") != made_up("v1:abd")
