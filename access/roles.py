"""Pure: the roles, as a table. What a role means is reviewed like code; who has it is data (AccessRule)."""

from dataclasses import dataclass

from access.permissions import Permission as P

VIEWING = frozenset(
    {
        P.VIEW_WORKLOADS,
        P.VIEW_PROJECTS,
        P.VIEW_DEPARTMENTS,
        P.VIEW_NODE_POOLS,
        P.VIEW_DASHBOARDS,
    }
)
WORKING = VIEWING | {P.SUBMIT_WORKLOADS, P.EDIT_WORKLOADS, P.DELETE_WORKLOADS}


@dataclass(frozen=True)
class Role:
    key: str
    label: str
    summary: str
    permissions: frozenset[P]


SYSTEM_ADMINISTRATOR = Role(
    "system-administrator", "System administrator", "Sees and changes everything.", frozenset(P)
)
PROJECT_ADMINISTRATOR = Role(
    "project-administrator",
    "Project administrator",
    "Runs workloads, adds and removes members, and edits the project.",
    WORKING | {P.EDIT_PROJECTS, P.VIEW_ACCESS, P.EDIT_ACCESS, P.VIEW_USERS},
)
RESEARCHER = Role("researcher", "Researcher", "Submits, stops and deletes workloads.", WORKING)
VIEWER = Role("viewer", "Viewer", "Sees workloads, quotas and dashboards; changes nothing.", VIEWING)

ROLES: dict[str, Role] = {
    role.key: role for role in (SYSTEM_ADMINISTRATOR, PROJECT_ADMINISTRATOR, RESEARCHER, VIEWER)
}


def roles_granting(permission: P) -> tuple[str, ...]:
    """Keys of the roles that contain `permission`."""
    return tuple(key for key, role in ROLES.items() if permission in role.permissions)
