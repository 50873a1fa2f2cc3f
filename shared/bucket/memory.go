package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"

	"github.com/google/btree"
)

// Memory is a Bucket in memory. Its content is lost when the process ends.
type Memory struct {
	local
	mu      sync.RWMutex
	objects *btree.BTreeG[stored]
	written int64
}

// A stored object of a Memory.
type stored struct {
	Attrs
	content []byte
}

// NewMemory returns an empty bucket.
func NewMemory() *Memory {
	m := &Memory{objects: btree.NewG(32, func(a, b stored) bool { return a.Name < b.Name })}
	m.local.open = m.open
	return m
}

func (m *Memory) open(name string) (object, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	o, there := m.objects.Get(stored{Attrs: Attrs{Name: name}})
	if !there {
		return object{}, fmt.Errorf("%s: %w", name, ErrNotExist)
	}
	return object{bytes.NewReader(o.content), io.NopCloser(nil), o.Attrs}, nil
}

// List implements Reader. It yields the objects that exist when it begins.
func (m *Memory) List(ctx context.Context, prefix, after string) iter.Seq2[Attrs, error] {
	return func(yield func(Attrs, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(Attrs{}, err)
			return
		}
		m.mu.Lock()
		objects := m.objects.Clone()
		m.mu.Unlock()
		objects.AscendGreaterOrEqual(stored{Attrs: Attrs{Name: max(prefix, after)}}, func(o stored) bool {
			switch {
			case ctx.Err() != nil:
				yield(Attrs{}, ctx.Err())
				return false
			case !strings.HasPrefix(o.Name, prefix):
				return false
			case o.Name == after:
				return true
			default:
				return yield(o.Attrs, nil)
			}
		})
	}
}

// Create implements Bucket.
func (m *Memory) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	if err := errors.Join(CheckName(name), ctx.Err()); err != nil {
		return err
	}
	if _, err := m.open(name); err == nil {
		return fmt.Errorf("creating %s: %w", name, ErrExists)
	}
	var content bytes.Buffer
	if err := write(contextWriter{ctx, &content}); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.written++
	o := stored{Attrs{Name: name, Size: int64(content.Len()), Generation: m.written}, content.Bytes()}
	if m.objects.Has(o) {
		return fmt.Errorf("creating %s: %w", name, ErrExists)
	}
	m.objects.ReplaceOrInsert(o)
	return nil
}

// Compose implements Bucket.
func (m *Memory) Compose(ctx context.Context, name string, parts []string) error {
	return m.Create(ctx, name, func(w io.Writer) error {
		for _, part := range parts {
			data, err := ReadAll(ctx, m, part)
			if err != nil {
				return fmt.Errorf("composing %s: %w", name, err)
			}
			if _, err := w.Write(data); err != nil {
				return err
			}
		}
		return nil
	})
}
