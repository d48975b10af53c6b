# ruff: noqa: ANN401, C901 - PyTorch is no dependency, so there are no types of it
"""CAM++ in PyTorch's own words, the gate computed for every frame as published."""

from __future__ import annotations

from typing import Any


def by_pytorch(torch: Any, state: Any, bands: Any) -> Any:
    """``bands``: 1 x frames x 80. Returns 1 x 192."""
    functional = torch.nn.functional

    def norm(value: Any, name: str) -> Any:
        parts = [state.get(f"{name}.{part}") for part in ("weight", "bias")]
        seen = [state[f"{name}.running_{part}"] for part in ("mean", "var")]
        return functional.batch_norm(value, *seen, *parts)

    def conv2d(value: Any, name: str, stride: int = 1, margin: int = 1) -> Any:
        return functional.conv2d(value, state[f"{name}.weight"], None, (stride, 1), margin)

    def conv(value: Any, name: str, **how: int) -> Any:
        return functional.conv1d(value, state[f"{name}.weight"], state.get(f"{name}.bias"), **how)

    def bent(value: Any, name: str) -> Any:
        return torch.relu(norm(value, f"{name}.batchnorm"))

    def residual(value: Any, name: str, stride: int) -> Any:
        inner = torch.relu(norm(conv2d(value, f"{name}.conv1", stride), f"{name}.bn1"))
        inner = norm(conv2d(inner, f"{name}.conv2"), f"{name}.bn2")
        if stride != 1:
            value = norm(conv2d(value, f"{name}.shortcut.0", stride, 0), f"{name}.shortcut.1")
        return torch.relu(inner + value)

    def gate(value: Any, name: str) -> Any:
        frames = value.shape[-1]
        segments = functional.avg_pool1d(value, 100, 100, ceil_mode=True)
        context = segments.repeat_interleave(100, dim=-1)[..., :frames]
        context = torch.relu(conv(value.mean(-1, keepdim=True) + context, f"{name}.linear1"))
        return torch.sigmoid(conv(context, f"{name}.linear2"))

    with torch.no_grad():
        value = bands.transpose(1, 2).unsqueeze(1)
        value = torch.relu(norm(conv2d(value, "head.conv1"), "head.bn1"))
        for layer in ("head.layer1", "head.layer2"):
            value = residual(residual(value, f"{layer}.0", 2), f"{layer}.1", 1)
        value = torch.relu(norm(conv2d(value, "head.conv2", 2), "head.bn2")).flatten(1, 2)
        value = bent(
            conv(value, "xvector.tdnn.linear", stride=2, padding=2), "xvector.tdnn.nonlinear"
        )
        for block, depth in enumerate((12, 24, 16), start=1):
            reach = 1 if block == 1 else 2
            for number in range(1, depth + 1):
                name = f"xvector.block{block}.tdnnd{number}"
                inner = conv(bent(value, f"{name}.nonlinear1"), f"{name}.linear1")
                inner = bent(inner, f"{name}.nonlinear2")
                cam = f"{name}.cam_layer"
                local = conv(inner, f"{cam}.linear_local", padding=reach, dilation=reach)
                value = torch.cat((value, local * gate(inner, cam)), 1)
            name = f"xvector.transit{block}"
            value = conv(bent(value, f"{name}.nonlinear"), f"{name}.linear")
        value = bent(value, "xvector.out_nonlinear")
        pooled = torch.cat((value.mean(-1), value.std(-1, unbiased=True)), 1)
        features = conv(pooled.unsqueeze(-1), "xvector.dense.linear")
        return norm(features.squeeze(-1), "xvector.dense.nonlinear.batchnorm")
