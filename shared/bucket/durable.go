package bucket

import "sync"

// maxDurable is the largest number of folders in a durableFolders.
const maxDurable = 4096

// A durableFolders is a set of folders that are synced to disk, with all folders above them. When the set is full, all
// folders are removed from it, because a service makes new folders all the time. A removed folder is only synced once
// more.
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
