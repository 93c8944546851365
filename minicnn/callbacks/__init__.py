"""Callbacks: what happens between the steps of training.

base                      Callback and its hooks, CallbackList     history          the record that fit returns
monitor                   base of callbacks that watch a number    early_stopping   stops when it no longer improves
model_checkpoint          saves the model while it trains          csv_logger       a line of a file per epoch
reduce_lr_on_plateau      a smaller rate when it stops improving   lambda_callback  callbacks from functions
learning_rate_scheduler   a rate for every epoch                   terminate_on_nan stops at a NaN loss
backup_and_restore        continues an interrupted training        tensorboard      event files for TensorBoard
resuming                  what such a training must remember       swap_ema_weights evaluates with averages of weights
explore_recorder          weights of several epochs, for the page of `visualize.explore`
"""

from ..registry import missing_name
from .backup_and_restore import BackupAndRestore
from .base import Callback, CallbackList
from .csv_logger import CSVLogger
from .early_stopping import EarlyStopping
from .explore_recorder import ExploreRecorder
from .history import History
from .lambda_callback import LambdaCallback
from .learning_rate_scheduler import LearningRateScheduler
from .model_checkpoint import ModelCheckpoint
from .reduce_lr_on_plateau import ReduceLROnPlateau
from .swap_ema_weights import SwapEMAWeights
from .tensorboard import TensorBoard
from .terminate_on_nan import TerminateOnNaN


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = [
    "BackupAndRestore", "CSVLogger", "Callback", "CallbackList", "EarlyStopping", "ExploreRecorder", "History",
    "LambdaCallback", "LearningRateScheduler", "ModelCheckpoint", "ReduceLROnPlateau", "SwapEMAWeights",
    "TensorBoard", "TerminateOnNaN",
]  # fmt: skip
