package bucket

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
)

// TemporaryPrefix begins the names of temporary objects. They are needed only until a run or a selection is completed.
// A temporary object may disappear at any time: a step that misses it makes it again. In the cloud a lifecycle rule of
// the bucket removes temporary objects.
const TemporaryPrefix = "tmp/"

// A Remover is a Bucket without a lifecycle rule. The process that completes a run or a selection removes its temporary
// objects.
type Remover interface {
	// RemoveTemporary removes all objects whose names begin with prefix. prefix begins with TemporaryPrefix and ends in a
	// slash. It is not an error if there are no such objects.
	RemoveTemporary(ctx context.Context, prefix string) error
}

// RemoveTemporary removes the temporary objects with a prefix if b is a Remover. It ignores errors, because objects
// that stay do no harm.
func RemoveTemporary(ctx context.Context, b Bucket, prefix string) {
	if remover, ok := b.(Remover); ok {
		_ = remover.RemoveTemporary(ctx, prefix)
	}
}

// checkTemporary returns an error if objects with the prefix may not be temporary.
func checkTemporary(prefix string) error {
	folder, isFolder := strings.CutSuffix(prefix, "/")
	if !isFolder || !strings.HasPrefix(folder, TemporaryPrefix) || CheckName(folder) != nil {
		return fmt.Errorf("%w: %q is not a folder of temporary objects", ErrName, prefix)
	}
	return nil
}

// RemoveTemporary implements Remover. It also removes the folders above that are empty afterwards.
func (f *Folder) RemoveTemporary(ctx context.Context, prefix string) error {
	if err := errors.Join(checkTemporary(prefix), ctx.Err()); err != nil {
		return err
	}
	folder := strings.TrimSuffix(prefix, "/")
	if err := f.root.RemoveAll(folder); err != nil {
		return f.fail("removing", folder, err)
	}
	for folder != "." {
		f.durable.remove(folder)
		folder = path.Dir(folder)
		if err := f.root.Remove(folder); err != nil && !errors.Is(err, os.ErrNotExist) {
			break // other objects are in it
		}
	}
	return nil
}

// RemoveTemporary implements Remover.
func (m *Memory) RemoveTemporary(ctx context.Context, prefix string) error {
	if err := errors.Join(checkTemporary(prefix), ctx.Err()); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var gone []stored
	m.objects.AscendGreaterOrEqual(stored{Attrs: Attrs{Name: prefix}}, func(o stored) bool {
		if strings.HasPrefix(o.Name, prefix) {
			gone = append(gone, o)
			return true
		}
		return false
	})
	for _, o := range gone {
		m.objects.Delete(o)
	}
	return nil
}
