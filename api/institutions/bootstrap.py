"""The first administrator, and the next one when all keys are lost. There is no default account and no password."""

from sqlalchemy import Connection, select

from api.institutions import acts, principals
from api.institutions.errors import AdministrationError
from api.institutions.principals import Added, PrincipalExists
from api.institutions.roles import Role
from api.storage import idempotency
from api.storage.keys import Keys
from api.storage.tables import principals as principals_table

_MOST_NAMES = 100


class AdministratorExists(AdministrationError):
    """There is an administrator already."""

    text = (
        "已有管理员，由其添加其他管理员：`renzheng people list`。\n"
        "若其密钥均已遗失，可用 --recover 另建一名，并会留下记录。\n"
        "There is an administrator already, who makes others: `renzheng people list`.\n"
        "If all their keys are lost, --recover makes another one, and records it."
    )


def administrator(connection: Connection, keys: Keys, institution: str, name: str, *, recover: bool) -> Added:
    """Make an administrator of an institution at a path, which is made when new.

    Raises `AdministratorExists` where there is or was one, unless `recover` (which takes the next free name, such as
    `administrator 2`); `PrincipalExists`, `NameInvalid`.
    """
    idempotency.lock(connection, "administrators")
    former = select(principals_table.c.id).where(principals_table.c.role == Role.ADMINISTRATOR.value)
    if connection.execute(former.limit(1)).first() is None:
        act = "administrator_bootstrapped"
    elif recover:
        act = "administrator_recovered"
    else:
        raise AdministratorExists
    added = _added(connection, keys, institution, name, other_name=act == "administrator_recovered")
    acts.record(
        connection,
        keys,
        act,
        actor_id=None,
        institution_id=added.institution_id,
        subject_id=added.id,
        details={},
    )
    return added


def _added(connection: Connection, keys: Keys, institution: str, name: str, *, other_name: bool) -> Added:
    """The administrator, under the next free name where the lost one's name may be taken instead."""
    if other_name:
        for number in range(2, _MOST_NAMES):
            try:
                return principals.add(connection, keys, institution, name, Role.ADMINISTRATOR)
            except PrincipalExists:
                name = f"{name.rpartition(' ')[0] if number > 2 else name} {number}"
    return principals.add(connection, keys, institution, name, Role.ADMINISTRATOR)
