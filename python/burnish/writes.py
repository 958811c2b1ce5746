"""Undoes what functionalisation makes of writes to slices: copies of the whole tensor, one for each write.

`out = zeros(b, n); for t in range(n): out[:, t] = y[t]` becomes a chain of select_scatter, each of which copies `out`.
Where the writes together cover the tensor the chain is one stack or cat of what was written.
"""

from __future__ import annotations

import torch
from torch.fx import Graph, Node

aten = torch.ops.aten
_SCATTERS = (aten.select_scatter.default, aten.slice_scatter.default)


def join_writes(graph: Graph) -> None:
    """Rewrites chains of slice_scatter or select_scatter along one dimension that leave nothing of their base."""
    _drop_full_copies(graph)
    for node in reversed(list(graph.nodes)):
        if node.target in _SCATTERS and node.users:
            _join(graph, node)
    graph.eliminate_dead_code()


def _drop_full_copies(graph: Graph) -> None:
    """copy(a, b) is b where b has a's shape and dtype already, and the copy is only written somewhere."""
    for node in list(graph.nodes):
        written = all(user.target in _SCATTERS and user.args[0] is not node for user in node.users)
        if node.target is aten.copy.default and isinstance(node.args[1], Node) and written:
            into, source = node.meta.get("val"), node.args[1].meta.get("val")
            if into is not None and source is not None and into.shape == source.shape and into.dtype == source.dtype:
                node.replace_all_uses_with(node.args[1])
                graph.erase_node(node)
    graph.eliminate_dead_code()


def _join(graph: Graph, last: Node) -> None:
    """Replaces the chain that ends in `last`, if its pieces tile the dimension."""
    first_piece = _piece(last)
    if first_piece is None:
        return
    dim = first_piece[0]
    size = last.meta["val"].shape[dim]
    owner: list[Node | None] = [None] * size  # the piece that wrote an index last
    where: dict[Node, tuple[int, int]] = {}
    node = last
    while node.target is last.target:
        piece = _piece(node)
        if piece is None or piece[0] != dim or (node is not last and len(node.users) != 1):
            break
        _, start, end, value = piece
        covered = [owner[i] is None for i in range(start, end)]
        if value in where or (any(covered) and not all(covered)):
            return  # partly overwritten, or written twice: leave it
        if all(covered):
            where[value] = (start, end)
            owner[start:end] = [value] * (end - start)
        node = node.args[0]
    if not where or any(o is None for o in owner):
        return
    pieces = [value for value, _ in sorted(where.items(), key=lambda item: item[1])]
    joined = aten.stack.default if last.target is aten.select_scatter.default else aten.cat.default
    value = last.meta["val"]
    with value.fake_mode, torch.no_grad():
        if joined([piece.meta["val"] for piece in pieces], dim).stride() != value.stride():
            return  # what follows was traced for the other layout
    with graph.inserting_before(last):
        new = graph.call_function(joined, (pieces, dim))
    new.meta = dict(last.meta)
    last.replace_all_uses_with(new)


def _piece(node: Node) -> tuple[int, int, int, Node] | None:
    """Dimension, begin, end and the value that a scatter writes; none where it is not that simple."""
    base, value = node.args[0].meta.get("val"), node.args[1]
    if base is None or not isinstance(value, Node) or value.meta["val"].dtype != base.dtype:
        return None
    arguments = [*node.args[2:]]
    if node.target is aten.select_scatter.default:
        dim, index = arguments
        dim %= base.dim()
        if not isinstance(index, int) or not isinstance(base.shape[dim], int):
            return None
        if value.meta["val"].shape != base.shape[:dim] + base.shape[dim + 1 :]:
            return None
        index %= base.shape[dim]
        return dim, index, index + 1, value
    dim, start, end, step = (arguments + [0, None, None, 1][len(arguments) :])[:4]
    dim %= base.dim()
    size = base.shape[dim]
    if step != 1 or not all(x is None or isinstance(x, int) for x in (start, end)) or not isinstance(size, int):
        return None
    start, end, _ = slice(start, end).indices(size)
    whole = value.meta["val"].shape == (*base.shape[:dim], end - start, *base.shape[dim + 1 :])
    return (dim, start, end, value) if end > start and whole else None
