"""Printed letters: from a parcel to the pages of a PDF document."""

from sending.letters.setting import SetLetter, letter_preview, page_count, page_image, set_letter

__all__ = ["SetLetter", "letter_preview", "page_count", "page_image", "set_letter"]
