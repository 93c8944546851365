"""The optimizers' updates, in place.

w are the weights and g is their gradient (read only). Every other array is the optimizer's memory of these weights. All
have one shape, except Adafactor's r and c. The formulas are Keras's, term by term. A rate is a number, or what
`runtime.transfer.number` returns.

    sgd        w -= rate * g
    momentum   v = momentum * v - rate * g;   w += v,   or with Nesterov w += momentum * v - rate * g
    rmsprop    s = rho * s + (1 - rho) * g^2;   a = rho * a + (1 - rho) * g (centered only)
               step = rate * g / sqrt(s - a^2 + epsilon);   v = momentum * v + step (if momentum);   w -= v or step
    adam       m += (g - m) (1 - beta_1);   v += (g^2 - v) (1 - beta_2);   v_hat = max(v_hat, v) (amsgrad only)
               w -= m * rate / (sqrt(v or v_hat) + epsilon)
               where rate = learning rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) in step t = 1, 2, ...
    adagrad    a += g^2;   w -= rate * g / sqrt(a + epsilon)
    adadelta   a = rho * a + (1 - rho) * g^2;   step = g * sqrt(d + epsilon) / sqrt(a + epsilon)
               d = rho * d + (1 - rho) * step^2;   w -= rate * step
    adamax     m += (g - m) (1 - beta_1);   u = max(beta_2 * u, |g|);   w -= m * rate / (u + epsilon)
               where rate = learning rate / (1 - beta_1^t) in step t
    nadam      m and v as in adam;   w -= (a * m + b * g) / (sqrt(c * v) + epsilon)   with a, b, c of this step
    lamb       m and v as in adam;   step = m * c_1 / (sqrt(v * c_2) + epsilon);   w -= rate * |w| / |step| * step
               where c = 1 / (1 - beta^t), and |w| / |step| is 1 if one of these norms is 0
    lion       w -= rate * sign(beta_1 * m + (1 - beta_1) * g);   m = beta_2 * m + (1 - beta_2) * g
    ftrl       a' = a + g^2;   z += g + 2 * shrinkage * w - (a'^p - a^p) / rate * w;   a = a'   with p = -power
               w = (z limited to [-l1, l1] - z) / (a^p / rate + 2 * l2 + beta / rate)
    adafactor  with G = g^2 + epsilon_1:  v = beta_2 * v + (1 - beta_2) * G, or for two axes and more, of the last two:
               r and c = beta_2 * (r or c) + (1 - beta_2) * mean of G over columns, or rows;   v = r * c / mean of r
               u = g / sqrt(v);   w -= max(epsilon_2, rms of w) * rate * u / max(1, rms of u / clip_threshold)
    muon       m = momentum * m + g;   x = g + momentum * m (Nesterov) or m, divided by its norm
               then n times x = a * x + (b * X + c * X^2) x with X = x x^T;   w -= rate * x
    decay      w -= w * rate                                              (AdamW's decoupled weight decay)
    average    a = share * a + (1 - share) * w                            (a moving average; share 0 forgets the old a)

Before the update, gradients can be changed: `clip_value` and `clip_norm` (g * limit / max(norm, limit)) limit them.
`penalty` is l1 * sum|w| + l2 * sum w^2, and `add_penalty_gradient` adds its gradient.

Sources: momentum, Sutskever et al. 2013; RMSprop, Tieleman and Hinton 2012, centered by Graves 2013; Adam and Adamax,
Kingma and Ba 2015; AMSGrad, Reddi et al. 2018; AdamW, Loshchilov and Hutter 2019; Adagrad, Duchi et al. 2011;
Adadelta, Zeiler 2012; Nadam, Dozat 2016; LAMB, You et al. 2020; Lion, Chen et al. 2023; FTRL, McMahan et al. 2013;
Adafactor, Shazeer and Stern 2018; Muon, Jordan 2024; averages of weights, Polyak and Juditsky 1992.

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def sgd(w, g, rate):
    variant(__name__).sgd(w, g, rate)


def momentum(w, g, v, rate, momentum, nesterov=False):
    variant(__name__).momentum(w, g, v, rate, momentum, nesterov)


def rmsprop(w, g, s, a, v, rate, rho, momentum, epsilon):
    """a is None unless centered, v is None without momentum."""
    variant(__name__).rmsprop(w, g, s, a, v, rate, rho, momentum, epsilon)


def adam(w, g, m, v, v_hat, rate, beta_1, beta_2, epsilon):
    """rate: the learning rate, corrected for the step; v_hat is None unless amsgrad."""
    variant(__name__).adam(w, g, m, v, v_hat, rate, beta_1, beta_2, epsilon)


def adagrad(w, g, a, rate, epsilon):
    variant(__name__).adagrad(w, g, a, rate, epsilon)


def adadelta(w, g, a, d, rate, rho, epsilon):
    variant(__name__).adadelta(w, g, a, d, rate, rho, epsilon)


def adamax(w, g, m, u, rate, beta_1, beta_2, epsilon):
    """rate: the learning rate, corrected for the step."""
    variant(__name__).adamax(w, g, m, u, rate, beta_1, beta_2, epsilon)


def nadam(w, g, m, v, numbers, beta_1, beta_2, epsilon):
    """numbers: a, b and c, which contain the learning rate."""
    variant(__name__).nadam(w, g, m, v, numbers, beta_1, beta_2, epsilon)


def lamb(w, g, m, v, numbers, beta_1, beta_2, epsilon):
    """numbers: the learning rate, c_1 and c_2."""
    variant(__name__).lamb(w, g, m, v, numbers, beta_1, beta_2, epsilon)


def lion(w, g, m, rate, beta_1, beta_2):
    variant(__name__).lion(w, g, m, rate, beta_1, beta_2)


def ftrl(w, g, a, z, rate, power, l1, l2, shrinkage, beta):
    variant(__name__).ftrl(w, g, a, z, rate, power, l1, l2, shrinkage, beta)


def adafactor(w, g, r, c, v, rate, beta_2, epsilon_1, epsilon_2, clip_threshold):
    """r and c are None for a weight of fewer than two axes. rate and beta_2 are numbers."""
    variant(__name__).adafactor(w, g, r, c, v, rate, beta_2, epsilon_1, epsilon_2, clip_threshold)


def muon(w, g, m, rate, momentum, nesterov, polynomial, steps):
    """w is a matrix; polynomial: a, b and c; steps: n. rate is a number."""
    variant(__name__).muon(w, g, m, rate, momentum, nesterov, polynomial, steps)


def average(w, a, share):
    """Change the average a of the weights w. share: a number of this step, as a rate is."""
    variant(__name__).average(w, a, share)


def decay(w, rate):
    variant(__name__).decay(w, rate)


def clip_value(g, limit):
    """g limited to [-limit, limit], in a new buffer."""
    return variant(__name__).clip_value(g, limit)


def clip_norm(gs, limit):
    """A list of gradients, shrunk together so that the norm of all their numbers is at most `limit`."""
    return variant(__name__).clip_norm(gs, limit)


def penalty(w, l1, l2):
    """l1 * sum|w| + l2 * sum w^2: a float, or an object that float() turns into one (see `runtime.weighted_sum`)."""
    return variant(__name__).penalty(w, l1, l2)


def add_penalty_gradient(g, w, l1, l2):
    """g + l1 * sign(w) + 2 * l2 * w, in a new buffer."""
    return variant(__name__).add_penalty_gradient(g, w, l1, l2)
