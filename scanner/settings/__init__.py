"""Settings: one strict YAML file plus environment variables become frozen, validated values."""

from scanner.settings.load import load
from scanner.settings.problem import Problem, SettingsError
from scanner.settings.reload import Reloader, ReloadOutcome
from scanner.settings.schema import Settings

__all__ = ["Problem", "ReloadOutcome", "Reloader", "Settings", "SettingsError", "load"]
