package main

import (
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	command, flag := mustHarvest(t, t.TempDir(), "version"), mustHarvest(t, t.TempDir(), "--version")
	if command.stdout != flag.stdout || !strings.HasPrefix(command.stdout, "harvest ") ||
		strings.Count(command.stdout, "\n") != 1 {
		t.Errorf("version prints %q, --version %q; want one line that begins with the program's name",
			command.stdout, flag.stdout)
	}
	if a := harvest(t, t.TempDir(), nil, "version", "now"); a.status != 2 {
		t.Errorf("version with an argument: status %d, want 2", a.status)
	}
}
