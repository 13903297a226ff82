"""An authority of a company's own, and certificates by it. Made anew for each run of the tests."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
	def __init__(self, folder: Path):
		self._folder = folder
		self._key = ec.generate_private_key(ec.SECP256R1())
		self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "The company's own")])
		self._certificate = self._signed(
			self._name, self._key, x509.BasicConstraints(ca=True, path_length=None)
		)
		self.pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()

	def _signed(self, name, key, extension, *, begins=-DAY, ends=DAY):
		now = datetime.now(timezone.utc)
		builder = (
			x509.CertificateBuilder()
			.subject_name(name)
			.issuer_name(self._name)
			.public_key(key.public_key())
			.serial_number(x509.random_serial_number())
			.not_valid_before(now + begins)
			.not_valid_after(now + ends)
			.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
		)
		return builder.sign(self._key, hashes.SHA256())

	def serves(self, *names: str, begins=-DAY, ends=DAY) -> ssl.SSLContext:
		"""What a server of these names (or addresses) speaks TLS with."""
		key = ec.generate_private_key(ec.SECP256R1())
		named = [
			x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
			for name in names
		]
		certificate = self._signed(
			x509.Name([]), key, x509.SubjectAlternativeName(named), begins=begins, ends=ends
		)
		file = self._folder / f"{certificate.serial_number}.pem"
		file.write_bytes(
			key.private_bytes(
				serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
			)
			+ certificate.public_bytes(serialization.Encoding.PEM)
		)
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		context.load_cert_chain(file)
		return context
