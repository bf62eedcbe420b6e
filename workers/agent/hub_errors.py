"""What the Hugging Face Hub's library raises when nobody answers, whichever HTTP client it was built on."""

import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

NO_ANSWER: type[Exception] = huggingface_hub.errors.HTTPError  # type: ignore[attr-defined] # of its client: httpx or httpx2
UNREACHABLE = (ConnectionError, NO_ANSWER, OfflineModeIsEnabled, HfHubHTTPError, OSError)
