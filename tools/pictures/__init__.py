"""The project's pictures, made from the real program: ``assets/demo.gif`` and those of docs/how-to/wireshark.md."""
