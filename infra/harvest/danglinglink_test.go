package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestDanglingLink gives commands an output folder and a state folder that are links to missing folders, links in a
// loop, or inside of one. The error names the flag's value, the link and its target.
func TestDanglingLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 2, 8)
	if err := os.Symlink("disk/nowhere", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"loop1": "loop2", "loop2": "loop1"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	const loops = "loop1 is a link to loop2, which leads back to a link; replace the link by a folder, or give another " +
		"folder"
	const is = "is a link to disk/nowhere, which does not exist; make that folder, or give another folder"
	for _, tt := range []struct{ out, state, want string }{
		{"link", "state", "harvest: --out link: link " + is},
		{"link/sub", "state", "harvest: --out link/sub: link " + is},
		{"out", "link", "harvest: --state link: link " + is},
		{"loop1", "state", "harvest: --out loop1: " + loops},
		{"loop1/sub", "state", "harvest: --out loop1/sub: " + loops},
		{"out", "loop1", "harvest: --state loop1: " + loops},
	} {
		a := harvest(t, dir, nil, "curate", "--budget", "50%", "--state", tt.state, "--out", tt.out, "dataset.json")
		if a.status != 2 {
			t.Errorf("--out %s --state %s: status %d, want 2", tt.out, tt.state, a.status)
		}
		says(t, a.stderr, tt.want)
	}
}
