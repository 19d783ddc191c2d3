"""One AdmissionReview in, one out: what the two halves of the webhook say. Pure."""

from collections.abc import Callable

from cluster.admission.defaults import with_defaults
from cluster.admission.patches import difference
from cluster.admission.projects import Project
from cluster.admission.reviews import Review, allowed, refused
from cluster.admission.rules import problems_of
from cluster.admission.trust import Trust
from cluster.documents import Document

Answer = Callable[[Review, Project | None, Trust], Document]
MOST_WARNINGS = 10


def mutating(review: Review, project: Project | None, trust: Trust) -> Document:
    """Changes what we give to pods, and puts back what is ours; a namespace of nobody is none of our business."""
    if project is None or review.operation not in ("CREATE", "UPDATE"):
        return allowed(review.uid)
    wanted, warnings = with_defaults(review, project, trust)
    return allowed(
        review.uid,
        patch=difference(review.object, wanted),
        warnings=[one[:240] for one in warnings[:MOST_WARNINGS]],
    )


def validating(review: Review, project: Project | None, trust: Trust) -> Document:
    """Refuses with everything that is wrong at once."""
    if project is None or review.operation not in ("CREATE", "UPDATE"):
        return allowed(review.uid)
    problems = problems_of(review, project, trust)
    return refused(review.uid, problems) if problems else allowed(review.uid)
