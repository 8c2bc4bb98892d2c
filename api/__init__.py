"""Speaking to exchanges: the only package that opens network connections."""
