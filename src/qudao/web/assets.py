"""Static files: hashed and compressed, but a page must work while the assets are still being built."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class LenientManifestStorage(CompressedManifestStaticFilesStorage):
    """A file that is not in the manifest gets its plain address instead of an error page."""

    manifest_strict = False

    def stored_name(self, name: str) -> str:
        try:
            return super().stored_name(name)
        except ValueError:  # neither in the manifest nor on disk
            return name
