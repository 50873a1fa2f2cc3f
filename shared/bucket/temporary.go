package bucket

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
)

// TemporaryPrefix begins the names of objects that are needed only until something is completed. Any of them may be
// gone at any time: a step that finds one gone makes it again. In the cloud a rule of the bucket removes them.
const TemporaryPrefix = "tmp/"

// A Remover is a Bucket without such a rule: who completes something removes what was needed for it.
type Remover interface {
	// RemoveTemporary removes all objects whose names begin with prefix, which begins with TemporaryPrefix and ends in a
	// slash. None is not an error.
	RemoveTemporary(ctx context.Context, prefix string) error
}

// RemoveTemporary removes temporary objects of a bucket that is a Remover. What stays does no harm.
func RemoveTemporary(ctx context.Context, b Bucket, prefix string) {
	if remover, ok := b.(Remover); ok {
		_ = remover.RemoveTemporary(ctx, prefix)
	}
}

// checkTemporary is the error of a prefix of which not all objects are temporary.
func checkTemporary(prefix string) error {
	folder, isFolder := strings.CutSuffix(prefix, "/")
	if !isFolder || !strings.HasPrefix(folder, TemporaryPrefix) || CheckName(folder) != nil {
		return fmt.Errorf("%w: %q is not a folder of temporary objects", ErrName, prefix)
	}
	return nil
}

// RemoveTemporary implements Remover. It removes the folders above, too, if nothing is left in them.
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
