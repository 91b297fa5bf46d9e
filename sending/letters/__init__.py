"""Printed letters: from a parcel to the pages of a PDF document."""

from sending.letters.pictures import page_image
from sending.letters.setting import SetLetter, letter_preview, set_letter
from sending.letters.typesetting import TypesettingError, check_layout

__all__ = ["SetLetter", "TypesettingError", "check_layout", "letter_preview", "page_image", "set_letter"]
