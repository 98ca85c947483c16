"""What each command does: one public function a file, a report out, nothing printed."""
