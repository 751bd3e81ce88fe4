"""What would be billed: the next invoice, and usage under other prices; nothing here is ever stored."""
