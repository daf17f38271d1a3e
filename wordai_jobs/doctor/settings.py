"""Checks the configuration, and how callers sign in."""

import os
from pathlib import Path

from wordai_jobs.config import CONFIG_FILE_VARIABLE, PREFIX, Config
from wordai_jobs.doctor.finding import Finding, Level
from wordai_jobs.errors import StartError


def configuration(config: Config) -> Finding:
    named = os.environ.get(CONFIG_FILE_VARIABLE)
    file = named or ("config.toml" if Path("config.toml").exists() else "no file, only defaults")
    overrides = sum(name.startswith(PREFIX) and name != CONFIG_FILE_VARIABLE for name in os.environ)
    return Finding(
        "configuration",
        Level.OK,
        f"{file}; settings from the environment: {overrides}; mode {config.auth.mode}",
    )


def sign_in(config: Config) -> Finding:
    check = "sign-in"
    if config.auth.mode == "dev":
        return Finding(
            check,
            Level.WARNING,
            "mode dev: anyone on this machine can sign in as anyone",
            "for real users, set auth.mode to firebase and auth.firebase_project_id",
        )
    from wordai_jobs.auth import certificates
    from wordai_jobs.auth.firebase import EMULATOR_VARIABLE, FirebaseTokens

    is_emulated = bool(os.environ.get(EMULATOR_VARIABLE))
    try:
        FirebaseTokens(
            config.auth.firebase_project_id,
            config.auth.credentials_file,
            is_loopback=config.server.is_loopback,
        )
    except StartError as error:
        advice = "correct auth.firebase_project_id or auth.credentials_file"
        if is_emulated:
            advice = "unset it, unless this is for development on one machine"
        return Finding(check, Level.PROBLEM, str(error), advice)
    if is_emulated:
        return Finding(
            check,
            Level.WARNING,
            "FIREBASE_AUTH_EMULATOR_HOST is set: tokens are not verified, anyone can be anyone",
            "unset it, unless this is for development",
        )
    try:
        certificates.fetch()
    except (OSError, ValueError):
        return Finding(
            check,
            Level.WARNING,
            "Google's certificates cannot be fetched, so no token can be verified",
            "let this machine connect to www.googleapis.com, port 443",
        )
    return Finding(
        check,
        Level.OK,
        f"tokens of the Firebase project {config.auth.firebase_project_id} can be verified",
    )
