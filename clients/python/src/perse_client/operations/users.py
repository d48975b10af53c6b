"""The users of ``/v0``: each is a subject with one face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from perse_client.call import Call, Listing, form, get, retry_header, segment
from perse_client.operations.measures import Answer, Receipt
from perse_client.uploads import Upload

_PATH = "/v0/face/enrollment"


@dataclass(frozen=True, kw_only=True)
class EnrolledUser(Answer):
    """``user_token`` stands for the user from now on. ``model``: the network whose template is
    kept. ``quality``: the metrics of the enrolled face."""

    user_token: str
    model: str
    quality: Mapping[str, float]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class UserPage(Answer):
    """``user_tokens``: the oldest first. ``total_users``: not of this page alone."""

    user_tokens: tuple[str, ...]
    total_users: int


def enrol_user(
    image: Upload, *, consent: bool | None = None, idempotency_key: str | None = None
) -> Call[EnrolledUser]:
    """Keep the template of the largest face of a picture, never the picture."""
    headers = retry_header(idempotency_key)
    files = {"image_file": image}
    return form(_PATH, EnrolledUser, files=files, consent=consent, headers=headers)


def update_user(
    user_token: str, image: Upload, *, consent: bool | None = None
) -> Call[EnrolledUser]:
    """Replace the template of a user."""
    files = {"image_file": image}
    return form(
        _PATH, EnrolledUser, files=files, consent=consent, method="PUT", user_token=user_token
    )


def list_users(*, limit: int | None = None, after: str | None = None) -> Call[UserPage]:
    """Every user, or at most ``limit`` of those enrolled after the user ``after``."""
    return get(f"{_PATH}/list", UserPage, limit=limit, after=after)


def iter_users(*, page_size: int = 10_000) -> Listing[str, UserPage]:
    """The tokens of all users, the oldest first. Delete none on the way: a page begins behind the
    last user of the page before, who has to be there. ``iter_subjects`` needs nobody."""

    def following(page: UserPage) -> Call[UserPage] | None:
        if len(page.user_tokens) < page_size:
            return None
        return list_users(limit=page_size, after=page.user_tokens[-1])

    return Listing(list_users(limit=page_size), lambda page: page.user_tokens, following)


def delete_user(user_token: str) -> Call[Receipt]:
    """Destroy what is kept of a user."""
    path = f"{_PATH}/{segment(user_token)}"
    return Call(method="DELETE", path=path, answer=Receipt, repeatable=False)
