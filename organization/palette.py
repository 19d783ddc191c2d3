"""What the command palette (Ctrl K) finds of the organisation: projects, departments, nodes."""

from django.urls import reverse

from access.checks import Person
from organization.queries import visible_departments, visible_nodes, visible_projects

AT_MOST = 5


def find(person: Person, text: str) -> list[dict[str, str]]:
    """Projects, departments and nodes whose name contains the text, each kind by name."""
    projects = visible_projects(person).filter(name__icontains=text).order_by("name", "pk")[:AT_MOST]
    departments = visible_departments(person).filter(name__icontains=text).order_by("name", "pk")[:AT_MOST]
    nodes = visible_nodes(person).filter(name__icontains=text).order_by("name", "pk")[:AT_MOST]
    return [
        *(_hit(one.name, "Project", reverse("organization:project", args=[one.pk])) for one in projects),
        *(
            _hit(one.name, "Department", reverse("organization:department", args=[one.pk]))
            for one in departments
        ),
        *(_hit(one.name, "Node", f"{reverse('organization:nodes')}?q={one.name}") for one in nodes),
    ]


def _hit(name: str, kind: str, url: str) -> dict[str, str]:
    return {"name": name, "kind": kind, "url": url}
