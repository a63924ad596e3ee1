"""What a browser is told about our pages: nothing from elsewhere, nothing inline, in no frame, and one camera."""

# Tracking, sensors and payment are named because a browser allows its own list of them unless it is told otherwise.
_PERMISSIONS = (
    "camera=(self)",
    "microphone=()",
    "geolocation=()",
    "display-capture=()",
    "usb=()",
    "serial=()",
    "payment=()",
    "clipboard-read=()",
)


def of_pages(bridge: str) -> dict[str, str]:
    """The headers of every file; `bridge` is the one address beside ours that a page may talk to."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob:",
        "connect-src": f"'self' {bridge}",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        # No text becomes markup or script, not even by our own mistake.
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Permissions-Policy": ", ".join(_PERMISSIONS),
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
