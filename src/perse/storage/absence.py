"""What is said of a user that is not there, whoever looked and whenever the user went."""

from __future__ import annotations

from perse.errors import UserTokenNotFound


def user_not_found() -> UserTokenNotFound:
    """The same for tokens that never were, are no more, and are another tenant's."""
    return UserTokenNotFound(
        "this user_token is not enrolled with this API key: list the tokens, or enrol the user"
    )
