"""Pages of this room: signing in, one's own account, and for managers the members and people of the network."""

from fastapi import APIRouter

from fund.people.pages import account, directory, mail, sign_in

router = APIRouter(include_in_schema=False)
router.include_router(sign_in.router)
router.include_router(account.router)
router.include_router(mail.router)
router.include_router(directory.router)
