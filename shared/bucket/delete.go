package bucket

import (
	"context"
	"errors"
	"io/fs"
	"path"
)

// A Deleter is a Bucket of one machine from which objects can be deleted, also objects that are not temporary. Only the
// objects of a run that a person removes are deleted.
type Deleter interface {
	// Delete deletes an object. A missing object is not an error.
	Delete(ctx context.Context, name string) error
}

// Delete implements Deleter. It also removes the folders above the object that are empty afterwards.
func (f *Folder) Delete(ctx context.Context, name string) error {
	if err := errors.Join(CheckName(name), ctx.Err()); err != nil {
		return err
	}
	if err := f.root.Remove(name); err != nil && !absent(err) {
		return f.fail("deleting", name, err)
	}
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		if info, err := f.root.Lstat(folder); err == nil && !info.IsDir() {
			break // an object, or a link
		}
		f.durable.remove(folder)
		if err := f.root.Remove(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			break // other objects are in it
		}
	}
	return nil
}

// Delete implements Deleter.
func (m *Memory) Delete(ctx context.Context, name string) error {
	if err := errors.Join(CheckName(name), ctx.Err()); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects.Delete(stored{Attrs: Attrs{Name: name}})
	return nil
}
