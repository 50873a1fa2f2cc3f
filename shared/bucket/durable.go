package bucket

import "sync"

// maxDurable is how many folders a durableFolders knows, at most.
const maxDurable = 4096

// A durableFolders knows folders whose path from the root is on disk. It forgets all of them before they become too
// many, because a process that serves for long makes ever more: what is needed again is synced once more.
type durableFolders struct {
	mu    sync.Mutex
	known map[string]bool
}

func (d *durableFolders) has(folder string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.known[folder]
}

func (d *durableFolders) add(folder string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.known) >= maxDurable || d.known == nil {
		d.known = map[string]bool{}
	}
	d.known[folder] = true
}

func (d *durableFolders) remove(folder string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.known, folder)
}
