"""Who may read which runs of a server: a key of a group sees the runs of its group, and no key of a group writes."""

from __future__ import annotations

from typing import Any, Final

from tiled.access_control.access_policies import ALL_ACCESS
from tiled.access_control.protocols import AccessPolicy
from tiled.access_control.scopes import ALL_SCOPES, NO_SCOPES, ScopeName
from tiled.queries import AccessTagsFilter

READ_SCOPES: Final = frozenset({ScopeName.read_metadata, ScopeName.read_data})
_TAG_PREFIX: Final = "user:"  # Tiled makes tags of this form by itself, where others must be declared before


def group_tag(group: str) -> str:
    """Return the tag of what belongs to a group.

    Parameters
    ----------
    group : str
        Its name: `proposal` of the start documents.
    """
    return _TAG_PREFIX + group


class GroupPolicy(AccessPolicy):
    """Tiled's access policy: a key that is held to groups reads what has their tags, and changes nothing."""

    async def init_node(
        self, principal: Any, authn_access_tags: Any, authn_scopes: Any, access_tags: Any = None
    ) -> tuple[bool, Any]:
        """Keep the tags that the writer gives: only a key that is held to no group may write."""
        return False, frozenset(access_tags or ())

    async def allowed_scopes(self, node: Any, principal: Any, authn_access_tags: Any, authn_scopes: Any) -> Any:
        """Return what a key may do with a node."""
        if authn_access_tags is None:
            return ALL_SCOPES if principal is not None else NO_SCOPES  # Tiled holds it to the scopes of the key
        if not getattr(node, "segments", ()) or set(node.access_tags) & set(authn_access_tags):
            return set(READ_SCOPES)  # the root may be listed; the filter says what of it is seen
        return NO_SCOPES

    async def filters(self, node: Any, principal: Any, authn_access_tags: Any, authn_scopes: Any, scopes: Any) -> Any:
        """Return which nodes of a container a key sees."""
        return ALL_ACCESS if authn_access_tags is None else [AccessTagsFilter(sorted(authn_access_tags))]
