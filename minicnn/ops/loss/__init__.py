"""Losses: one number per row, from predictions (M, K) and targets.

    softmax_cross_entropy         -sum t_k log softmax(z)_k             z logits, t (M, K) one-hot or probabilities
    sparse_softmax_cross_entropy  -log softmax(z)_label                 labels (M,) integers
    categorical_cross_entropy     -sum t_k log(p_k / sum p)             p probabilities, clipped to [eps, 1 - eps]
    sparse_categorical_cross_entropy  -log(p_label / sum p)             p clipped to [eps, 1 - eps] first
    sigmoid_cross_entropy         mean of max(z, 0) - z t + log(1 + exp(-|z|))        z logits
    binary_cross_entropy          mean of -(t log p + (1 - t) log(1 - p))             p clipped likewise
    mean_squared_error            mean of (p - t)^2
    mean_absolute_error           mean of |p - t|                       derivative 0 where p = t
    mean_absolute_percentage_error  100 * mean of |p - t| / max(|t|, eps)
    mean_squared_logarithmic_error  mean of (log(max(p, eps) + 1) - log(max(t, eps) + 1))^2
    huber                         mean of (p - t)^2 / 2 where |p - t| <= delta, else delta (|p - t| - delta / 2)
    log_cosh                      mean of log(cosh(p - t))
    kl_divergence                 sum t log(t / p)                      t and p clipped to [eps, 1]
    poisson                       mean of p - t log(p + eps)
    hinge, squared_hinge          mean of max(1 - t p, 0), of its square             t is -1 or 1

`forward(name, prediction, target, epsilon, need_saved) -> losses (M,), saved` and
`backward(name, dlosses (M,), saved) -> dprediction (M, K)`. epsilon keeps divisors and probabilities away from zero. No
gradient goes through a clipped number. huber takes delta in the place of epsilon.

Softmax and the cross-entropy after it are one operation here. As two operations they can fail: softmax may round a
probability to 0, and the logarithm of 0 is -infinity. As one operation, log(softmax(z)_k) = z_k - log(sum exp z), and
the gradient is simply softmax(z) - t if the targets sum to 1.

Reading order: `vectorized.py` (the definition), `formulas.py` (the same for one row), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant

NAMES = (
    "softmax_cross_entropy", "sparse_softmax_cross_entropy", "categorical_cross_entropy",
    "sparse_categorical_cross_entropy", "sigmoid_cross_entropy", "binary_cross_entropy", "mean_squared_error",
    "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error", "huber", "log_cosh",
    "kl_divergence", "poisson", "hinge", "squared_hinge",
)  # fmt: skip


def forward(name, prediction, target, epsilon=1e-7, need_saved=True):
    """The losses (M,) and what `backward` needs, for the loss `name`."""
    return getattr(variant(__name__), f"{name}_forward")(prediction, target, epsilon, need_saved)


def backward(name, dlosses, saved):
    """dprediction (M, K) for the upstream gradient dlosses (M,)."""
    return getattr(variant(__name__), f"{name}_backward")(dlosses, saved)
