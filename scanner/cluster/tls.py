"""Who may speak to whom: everybody in a cluster shows a certificate of its one CA."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.errors import in_words
from scanner.formats import certificates
from scanner.formats.files import FileError

if TYPE_CHECKING:
    from distributed.security import Security


@dataclass(frozen=True, slots=True)
class Tls:
    """CA, certificate, key, each as a path or as PEM."""

    ca: str
    cert: str
    key: str = ""

    @classmethod
    def for_one_run(cls) -> Tls:
        """A certificate that nobody else has, for processes of one machine; takes half a second of a processor."""
        from distributed.security import Security  # noqa: PLC0415 -- dask is imported where there is a cluster

        made = Security.temporary()
        return cls(str(made.tls_ca_file), str(made.tls_worker_cert), str(made.tls_worker_key))

    def problem(self) -> str:
        """Why files cannot be used, empty where they can."""
        try:
            trusted = certificates.verifying(Path(self.ca))
            certificates.identify(trusted, Path(self.cert), Path(self.key or self.cert))
        except FileError as error:
            return str(error)
        except ssl.SSLError as error:
            return f"the certificates do not fit together: {certificates.unusable(error)}"
        except (OSError, ValueError) as error:
            return f"the certificates do not fit together: {in_words(error)}"
        return ""

    def security(self) -> Security:
        """The same in dask's words."""
        from distributed.security import Security  # noqa: PLC0415 -- the same

        key = self.key or None
        return Security(
            require_encryption=True,
            tls_ca_file=self.ca,
            tls_client_cert=self.cert,
            tls_client_key=key,
            tls_scheduler_cert=self.cert,
            tls_scheduler_key=key,
            tls_worker_cert=self.cert,
            tls_worker_key=key,
        )
