"""Encryption of what Temporal stores and shows: inputs, results, errors, details. For the Temporal UI and CLI: views.py.

Workflow ids, types, task queues and search attributes stay readable. The form, AES-GCM with the key's id in the metadata, is
that of Temporal's own samples, so workers in other languages can share the keys.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec

from apps.temporal.converter import strict_data_converter
from apps.temporal.exceptions import DecryptionFailed

ENCODING = b"binary/encrypted"
NONCE_BYTES = 12


def data_converter() -> DataConverter:
    """What turns values into payloads: encrypted, error texts included, when TEMPORAL_ENCRYPTION_KEYS says so."""
    if not settings.TEMPORAL_ENCRYPTION_KEYS:
        return strict_data_converter
    return replace(
        strict_data_converter,
        payload_codec=EncryptionCodec(settings.TEMPORAL_ENCRYPTION_KEYS),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


class EncryptionCodec(PayloadCodec):
    """Encrypts under the first key and decrypts under any. An empty first key encrypts nothing.

    Payloads in clear are read as they are, so executions that were there before encryption go on.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self.key_id = next(iter(keys))
        self.ciphers = {key_id: AESGCM(key) for key_id, key in keys.items() if key}

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The same payloads, unreadable without the key."""
        cipher = self.ciphers.get(self.key_id)
        return [self._sealed(payload, cipher) for payload in payloads] if cipher else list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """What was encrypted. Raises DecryptionFailed when a key is missing or does not fit."""
        return [self._opened(payload) if payload.metadata.get("encoding") == ENCODING else payload for payload in payloads]

    def _sealed(self, payload: Payload, cipher: AESGCM) -> Payload:
        nonce = os.urandom(NONCE_BYTES)
        return Payload(
            metadata={"encoding": ENCODING, "encryption-key-id": self.key_id.encode()},
            data=nonce + cipher.encrypt(nonce, payload.SerializeToString(), None),
        )

    def _opened(self, payload: Payload) -> Payload:
        key_id = payload.metadata.get("encryption-key-id", b"").decode(errors="replace")
        if key_id not in self.ciphers:
            raise DecryptionFailed(f"A payload was encrypted under the key {key_id!r}: add that key to TEMPORAL_ENCRYPTION_KEYS.")
        try:
            clear = self.ciphers[key_id].decrypt(payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:], None)
            return Payload.FromString(clear)
        except (InvalidTag, ValueError, DecodeError) as error:
            raise DecryptionFailed(
                f"The key {key_id!r} of TEMPORAL_ENCRYPTION_KEYS does not open a payload: check that it is the one it was."
            ) from error
