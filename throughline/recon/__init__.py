"""Exceptions for people: lists, the workbook and its CSV twin, all read from what is published."""
