"""Pages that combine several modules: home with the process map, the order desk, the inbox of approvals."""
