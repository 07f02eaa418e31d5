"""Parts of pages that several pages share or that would be too long for one."""
