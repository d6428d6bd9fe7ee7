"""The service: sessions, accounts, room logs and fan-out. It stores and orders ciphertext."""
