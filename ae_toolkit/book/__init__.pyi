from . import chapter as chapter
from . import claims as claims
from . import words as words
from .chapter import Chapter as Chapter
from .claims import ClaimError as ClaimError
from .claims import Prediction as Prediction
from .claims import as_text as as_text
from .claims import settle as settle
