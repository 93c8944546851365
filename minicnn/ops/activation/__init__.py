"""Activations: functions of one number, and softmax, a function of one row.

    relu        max(x, 0)                     sigmoid   1 / (1 + exp(-x))
    leaky_relu  x, or slope * x if x < 0      tanh      (exp(x) - exp(-x)) / (exp(x) + exp(-x))
    clipped_relu  max(x, 0), at most limit    softplus  log(1 + exp(x))
    gelu        x * Phi(x)                    swish     x * sigmoid(x)         Phi: the normal distribution function
    elu         x, or alpha (exp(x) - 1) if x < 0
    selu        1.0507 x, or 1.7581 (exp(x) - 1) if x < 0
    exponential exp(x)                        softsign  x / (1 + |x|)
    mish        x * tanh(softplus(x))         hard_sigmoid  (x + 3) / 6, from 0 to 1
    hard_swish  x * hard_sigmoid(x)
    softmax     exp(x_i) / sum over j of exp(x_j), along the last axis

Every function has the pair `<name>_forward(x, parameter, need_saved) -> y, saved` and
`<name>_backward(dy, saved) -> dx`; x, y, dy, dx have one shape. `parameter` is the slope, alpha or limit; functions
without one ignore it. At x = 0 the derivative of relu is 0, as in TensorFlow. NaN stays NaN.

Sources: ELU, Clevert et al. 2015; GELU, Hendrycks and Gimpel 2016; swish, Ramachandran et al. 2017; SELU, Klambauer
et al. 2017; mish, Misra 2019; hard swish, Howard et al. 2019.

Reading order: `vectorized.py` (the definition), `formulas.py` (the same for one number), `cpu.py` (its exp and tanh are
in `kernels/cpu/vector_math.py`), `gpu.py`.
"""

from ...dispatch import variant

NAMES = (
    "relu", "leaky_relu", "elu", "clipped_relu", "sigmoid", "tanh", "softplus", "swish", "gelu", "softmax", "selu",
    "exponential", "softsign", "mish", "hard_sigmoid", "hard_swish",
)  # fmt: skip


def forward(name, x, parameter=0.0, need_saved=True):
    """y and what `backward` needs, for the activation `name`."""
    return getattr(variant(__name__), f"{name}_forward")(x, parameter, need_saved)


def backward(name, dy, saved):
    """dx for the upstream gradient dy."""
    return getattr(variant(__name__), f"{name}_backward")(dy, saved)
