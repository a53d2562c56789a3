"""Label files of MATLAB, as three of the datasets come with."""

from pathlib import Path
from typing import Any

import numpy as np

from fgir.utils.errors import FgirError


def load(path: Path, *names: str) -> list[Any]:
    """Return the variables ``names`` of a .mat file, of one axis each; FgirError where it lacks one or is damaged."""
    from scipy.io import loadmat

    try:
        content = loadmat(path, squeeze_me=True)
        return [np.atleast_1d(content[name]) for name in names]
    except FileNotFoundError:
        raise FgirError(f"{path} does not exist; fetch it from the dataset's page.") from None
    except KeyError as error:
        raise FgirError(f"{path} holds no {error.args[0]}; fetch it from the dataset's page again.") from None
    # scipy raises nearly anything at damaged bytes.
    except Exception as error:
        raise FgirError(f"{path} is no whole MATLAB file ({error}); delete it and fetch it again.") from None
