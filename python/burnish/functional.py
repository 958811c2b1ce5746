"""Makes an exported graph pure: sub-graphs inlined, mutation of temporaries replaced by new values.

Graphs come from torch.export before functionalisation, because that keeps operators whole (batch_norm, dropout,
reshape). In-place operators on whole temporaries (`x += y`, `relu_`) are rewritten here; writes through views
(`out[:, 0] = y`) and autocast need torch's own functionalisation, which this module then asks for.
"""

from __future__ import annotations

import operator

import torch
from torch.fx import Graph, GraphModule, Node

from burnish.errors import BurnishError
from burnish.writes import join_writes


def purify(exported: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """The program without sub-graphs and without mutation. Raises where it writes to inputs, parameters or buffers."""
    _mend_users(exported.graph)
    _drop_no_ops(exported.graph)
    _inline(exported.graph_module, autocast=False)
    _refuse_writes_to_placeholders(exported)
    if _needs_torch(exported.graph):
        exported.graph_module.recompile()
        exported = exported.run_decompositions({})
        _inline(exported.graph_module, autocast=True)
        _restore_batch_norm(exported.graph)
        join_writes(exported.graph)
    _drop_no_ops(exported.graph)
    _drop_copies_of_literals(exported.graph)
    exported.graph.eliminate_dead_code()
    return exported


def _mend_users(graph: Graph) -> None:
    """torch.export forgets users of nodes beside autocast blocks (PyTorch 2.13); erasing such a user would fail."""
    for node in graph.nodes:
        for source in node.all_input_nodes:
            source.users.setdefault(node)


def _drop_copies_of_literals(graph: Graph) -> None:
    """torch.tensor(3.0) inside forward is copied at every call so that it may be written; by now nothing is.

    Kept where the caller gets the memory: what it does with it must not change the constant.
    """
    handed_out = {_storage(node) for output in graph.find_nodes(op="output") for node in output.all_input_nodes}
    for node in list(graph.nodes):
        if not _is_aten(node) or _name(node) not in ("aten.lift_fresh_copy.default", "aten.clone.default"):
            continue
        source = node.args[0]
        literal = source.op == "placeholder" and source.name.startswith("c_lifted_tensor") and not node.kwargs
        if literal and _storage(node) not in handed_out:
            node.replace_all_uses_with(source)
            graph.erase_node(node)


def _name(node: Node) -> str:
    return str(node.target)


def _is_aten(node: Node) -> bool:
    return node.op == "call_function" and isinstance(node.target, torch._ops.OpOverload)


def _drop_no_ops(graph: Graph) -> None:
    """Assertions on sizes and metadata, dropout while evaluating, detach and alias: none of them computes anything."""
    for node in list(graph.nodes):
        if not _is_aten(node):
            continue
        packet = str(node.target._overloadpacket)
        if packet in _ASSERTIONS:
            graph.erase_node(node)
        elif packet in _IDENTITIES or (packet in _DROPOUTS and len(node.args) > 2 and node.args[2] is False):
            source = node.args[0]
            if _val(source) is not None and _val(node) is not None:
                node.replace_all_uses_with(source)
                graph.erase_node(node)


_ASSERTIONS = {
    "aten._assert_tensor_metadata",
    "aten._assert_scalar",
    "aten._assert_async",
    "aten.sym_constrain_range",
    "aten.sym_constrain_range_for_size",
    "aten._functional_assert_async",
}
_IDENTITIES = {"aten.detach", "aten.detach_", "aten.alias", "aten.lift_fresh", "aten.lift"}
_DROPOUTS = {
    "aten.dropout",
    "aten.dropout_",
    "aten.feature_dropout",
    "aten.alpha_dropout",
    "aten.feature_alpha_dropout",
}


def _inline(module: GraphModule, autocast: bool) -> None:
    """Puts the bodies of `no_grad` blocks (and of disabled autocast) into the graph that calls them."""
    graph = module.graph
    for node in list(graph.nodes):
        if node.op != "call_function":
            continue
        body = _body(module, node, autocast)
        if body is None:
            continue
        submodule, arguments = body
        _mend_users(submodule.graph)
        _inline(submodule, autocast)
        copies: dict[Node, Node] = dict(
            zip((n for n in submodule.graph.nodes if n.op == "placeholder"), arguments, strict=False)
        )
        outputs: tuple = ()
        with graph.inserting_before(node):
            for inner in submodule.graph.nodes:
                if inner.op == "output":
                    outputs = torch.fx.map_arg(inner.args[0], copies.__getitem__)
                elif inner.op == "get_attr":
                    fresh = f"{node.name}_{inner.target}".replace(".", "_")
                    setattr(module, fresh, _attribute(submodule, inner.target))
                    copies[inner] = graph.get_attr(fresh)
                    copies[inner].meta = dict(inner.meta)
                elif inner.op != "placeholder":
                    copies[inner] = graph.node_copy(inner, copies.__getitem__)
        if isinstance(outputs, Node):
            node.replace_all_uses_with(outputs)
        for user in list(node.users):
            if user.target is not operator.getitem:
                raise BurnishError(
                    "unsupported", f"the result of {node.target} is used whole", line_of(node), "report this module"
                )
            user.replace_all_uses_with(outputs[user.args[1]])
            graph.erase_node(user)
        graph.erase_node(node)
    graph.lint()
    module.recompile()


def _body(module: GraphModule, node: Node, autocast: bool) -> tuple[GraphModule, tuple] | None:
    name = getattr(node.target, "__name__", "")
    if name == "wrap_with_set_grad_enabled":
        at = 1
    elif name == "wrap_with_autocast" and (autocast or node.args[2] is False):
        at = 4
    else:
        return None
    return _attribute(module, node.args[at].target), node.args[at + 1 :]


def _attribute(module: torch.nn.Module, path: str) -> torch.nn.Module:
    for part in path.split("."):
        module = getattr(module, part)
    return module


def _refuse_writes_to_placeholders(exported: torch.export.ExportedProgram) -> None:
    """A plan may not write to what is the caller's; forward that does is no function of its inputs."""
    kinds = {spec.arg.name: spec for spec in exported.graph_signature.input_specs if hasattr(spec.arg, "name")}
    owners = {}
    for node in exported.graph.nodes:
        if node.op == "placeholder" and _storage(node) is not None:
            owners.setdefault(_storage(node), node)
    for node in exported.graph.nodes:
        for target in _written(node):
            owner = owners.get(_storage(target))
            if owner is None:
                continue
            spec = kinds.get(owner.name)
            path = getattr(spec, "target", None) or owner.name
            if path.startswith("lifted_tensor"):
                continue  # torch.tensor(...) inside forward: copied at every call before it is written
            raise BurnishError(
                "stateful",
                f"forward writes to {path!r}",
                line_of(node),
                "modules that change their inputs or keep state between calls are not supported yet",
            )


def _written(node: Node) -> list[Node]:
    """The nodes whose memory this node writes."""
    if not _is_aten(node) or not node.target._schema.is_mutable:
        return []
    written = []
    for i, argument in enumerate(node.target._schema.arguments):
        if argument.alias_info is None or not argument.alias_info.is_write:
            continue
        value = node.args[i] if i < len(node.args) else node.kwargs.get(argument.name)
        written += [v for v in (value if isinstance(value, list | tuple) else [value]) if isinstance(v, Node)]
    return written


def _needs_torch(graph: Graph) -> bool:
    """Rewrites in-place operators; true where something is left that only torch's functionalisation can do."""
    for node in list(graph.nodes):
        if getattr(node.target, "__name__", "") == "wrap_with_autocast":
            return True
        if _written(node) and not _out_of_place(graph, node):
            return True
    return False


def _out_of_place(graph: Graph, node: Node) -> bool:
    """Replaces `y = add_(x, ...)` by `y = add(x, ...)`, and later uses of x by y, where nothing else sees x."""
    schema = node.target._schema
    name = schema.name.split("::")[1]
    if not name.endswith("_") or name.endswith("__") or not node.args or not isinstance(node.args[0], Node):
        return False
    target = node.args[0]
    packet = getattr(torch.ops.aten, name[:-1], None)
    overload = getattr(packet, schema.overload_name or "default", None) if packet else None
    if overload is None or overload._schema.is_mutable or len(_written(node)) != 1:
        return False
    before, after = _val(target), _val(node)
    if before is None or after is None:
        return False
    order = {n: i for i, n in enumerate(graph.nodes)}
    here = order[node]
    for other in graph.nodes:
        if order[other] >= here:
            break  # aliases made later come from x or y, so they will come from y
        if other is target or _storage(other) != _storage(target):
            continue
        if other.op == "placeholder" or any(order[user] > here for user in other.users):
            return False  # an older alias is read later: it would want the new values
    if target.op == "placeholder" or not _same_result(overload, node, before):
        return False
    node.target = overload
    target.replace_all_uses_with(node, delete_user_cb=lambda user: order[user] > here)
    return True


def _same_result(overload: torch._ops.OpOverload, node: Node, before: torch.Tensor) -> bool:
    """In-place keeps x's dtype, shape and layout; out of place may promote or broadcast. Asked of fake tensors."""
    fake = before.fake_mode if hasattr(before, "fake_mode") else None
    if fake is None:
        return False
    try:
        args, kwargs = torch.fx.map_arg((node.args, dict(node.kwargs)), lambda n: n.meta["val"])
        with fake, torch.no_grad():
            got = overload(*args, **kwargs)
    except Exception:  # an operator without a fake kernel, say: torch's functionalisation will know
        return False
    return (
        isinstance(got, torch.Tensor)
        and got.dtype == before.dtype
        and got.shape == before.shape
        and got.stride() == before.stride()
    )


def _restore_batch_norm(graph: Graph) -> None:
    """torch's functionalisation splits batch_norm up; evaluating, the operator that eager calls is exact and whole."""
    for node in list(graph.nodes):
        if _is_aten(node) and _name(node) == "aten._native_batch_norm_legit_no_training.default":
            if any(u.target is not operator.getitem or (u.args[1] != 0 and u.users) for u in node.users):
                continue
            x, weight, bias, mean, variance, momentum, epsilon = node.args
            with graph.inserting_before(node):
                whole = graph.call_function(
                    torch.ops.aten.batch_norm.default,
                    (x, weight, bias, mean, variance, False, momentum, epsilon, False),
                )
            whole.meta = dict(node.meta, val=node.meta["val"][0])
            for user in list(node.users):
                if user.args[1] == 0:
                    user.replace_all_uses_with(whole)
                graph.erase_node(user)
            graph.erase_node(node)


def _val(node: object) -> torch.Tensor | None:
    value = node.meta.get("val") if isinstance(node, Node) else None
    return value if isinstance(value, torch.Tensor) else None


def _storage(node: Node) -> int | None:
    value = _val(node)
    return None if value is None else value.untyped_storage()._cdata


def line_of(node: Node) -> str:
    """Where in the user's code a node comes from: the innermost frame outside of torch."""
    trace = node.meta.get("stack_trace") or ""
    lines = [line.strip() for line in trace.splitlines() if line.strip().startswith("File ")]
    own = [line for line in lines if "/torch/" not in line] or lines
    if not own:
        return "the exported graph"
    parts = own[-1].split(", ")
    return f"{parts[0][6:-1]}:{parts[1].removeprefix('line ')}" if len(parts) >= 2 else own[-1]
