package bucket

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// stale is the age at which a temporary file is removed if it is not known whether its process still runs.
const stale = 24 * time.Hour

// A Folder is a bucket in a folder of this machine. Each object is a file. The file system must have hard links. A
// Folder follows symbolic links only to targets inside the folder, for reading and for writing. Any number of processes
// may use one folder.
//
// An object's generation is the time of its file's last change, in nanoseconds. As a name cannot be
// both a file and a folder, objects `a` and `a/b` exclude each other: the second is ErrName.
type Folder struct {
	local
	root *os.Root
	// outside is the error that root returns for a name that leads out of it. Package os does not export it.
	outside error
	durable durableFolders
	// after is called after each step of Create. Tests end the process there.
	after func(step string)
}

// OpenFolder opens the bucket in a folder, and makes the folder if it is missing. It removes temporary files in `.tmp`
// whose processes were killed. A process locks its temporary files. On file systems without locks, it removes temporary
// files that are older than a day.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making bucket folder: %w", MakingFault(dir, err))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening bucket folder: %w", MachineFault(dir, err))
	}
	_, above := root.Stat("..")
	outside, ok := errors.AsType[*fs.PathError](above)
	if !ok {
		return nil, fmt.Errorf("opening bucket folder %s: this system lets names lead out of the folder (os.Root): %w",
			dir, above)
	}
	f := &Folder{root: root, outside: outside.Err, after: func(string) {}}
	f.open = func(name string) (object, error) {
		if err := CheckName(name); err != nil {
			return object{}, fmt.Errorf("%w (%w)", ErrNotExist, err)
		}
		o, err := openFile(root.FS(), root.Name(), name)
		return o, f.linked(name, err)
	}
	f.sweep()
	return f, nil
}

// linked returns err, an error of using a name, as a *LinkError if a link leads out of the folder. Otherwise it returns
// err unchanged.
func (f *Folder) linked(name string, err error) error {
	if !errors.Is(err, f.outside) {
		return err
	}
	return fmt.Errorf("%s: %w", filepath.Join(f.root.Name(), name), &LinkError{f.root.Name()})
}

// sweep removes the temporary files of killed processes. It ignores errors, because a file that stays does no harm.
func (f *Folder) sweep() {
	entries, _ := fs.ReadDir(f.root.FS(), private)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			f.sweepOne(path.Join(private, e.Name()), time.Since(info.ModTime()))
		}
	}
}

// sweepOne removes a temporary file of this age if its process was killed.
func (f *Folder) sweepOne(aside string, age time.Duration) {
	file, err := f.root.Open(aside)
	if err != nil {
		return
	}
	defer file.Close()
	if abandoned(file) || age > stale {
		f.root.Remove(aside)
	}
}

// Path implements OnDisk.
func (f *Folder) Path(prefix string) string {
	folder := strings.TrimSuffix(prefix, "/")
	abs, err := filepath.Abs(f.root.Name())
	if err != nil || folder == prefix || CheckName(folder) != nil {
		return ""
	}
	return filepath.Join(abs, filepath.FromSlash(folder))
}

// List implements Reader. It skips folders whose names exclude a match.
func (f *Folder) List(ctx context.Context, prefix, after string) iter.Seq2[Attrs, error] {
	return func(yield func(Attrs, error) bool) {
		walk{ctx, f.root.FS(), f.root.Name(), prefix, after, yield, CheckName}.run()
	}
}

// Create implements Bucket. It writes the content to a temporary file and syncs the file. Then it makes a hard link
// with the object's name, which fails if the name exists. So if the process is killed at any moment, the object is
// complete or does not exist, and at most a temporary file is left.
func (f *Folder) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := f.vacant(name); err != nil {
		return err
	}
	aside, file, err := f.create()
	if err != nil {
		return f.fail("creating", name, err)
	}
	defer file.Close() // after the removal: until then the lock keeps other processes from removing it
	defer f.root.Remove(aside)
	f.after("create")
	if err := Buffered(contextWriter{ctx, faultWriter{file, f.root.Name()}}, write); err != nil {
		return err
	}
	f.after("write")
	if err := file.Sync(); err != nil {
		return f.fail("writing", name, err)
	}
	f.after("sync")
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := f.link(aside, name); err != nil {
		// Most likely another process created the object in the meantime.
		if taken := f.vacant(name); taken != nil {
			return taken
		}
		return f.fail("naming", name, err)
	}
	err = f.syncFolders(path.Dir(name))
	if err != nil && (!errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(name, TemporaryPrefix)) {
		return f.fail("syncing the folder of", name, err)
	}
	return nil
}

// Compose implements Bucket. Where possible, the operating system copies the parts without passing them through the
// process.
func (f *Folder) Compose(ctx context.Context, name string, parts []string) error {
	return f.Create(ctx, name, func(w io.Writer) error {
		for _, part := range parts {
			o, err := f.open(part)
			if err != nil {
				return fmt.Errorf("composing %s: %w", name, err)
			}
			_, err = io.Copy(w, o.ReaderAt.(*os.File))
			o.Close()
			if _, machine := errors.AsType[*MachineError](err); !machine && unreadable(err) {
				err = fmt.Errorf("%w: %w", ErrUnreadable, err)
			}
			if err != nil {
				return fmt.Errorf("composing %s: copying %s: %w", name, part, err)
			}
		}
		return nil
	})
}

// vacant returns nil if no file or folder prevents an object of this name now; else the error of creating it.
func (f *Folder) vacant(name string) error {
	switch info, err := f.root.Lstat(name); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: %s is below another object", ErrName, name)
	case err != nil:
		return f.fail("creating", name, err)
	case info.IsDir():
		return fmt.Errorf("%w: other objects are below %s", ErrName, name)
	default:
		return f.fail("creating", name, ErrExists)
	}
}

// create makes a new file in the private folder, and the private folder if it is missing. This process holds the file.
func (f *Folder) create() (aside string, file *os.File, err error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	for {
		aside = path.Join(private, rand.Text())
		file, err = f.root.OpenFile(aside, flags, 0o644)
		if errors.Is(err, fs.ErrNotExist) {
			if err := f.root.MkdirAll(private, 0o755); err != nil {
				return "", nil, err
			}
			file, err = f.root.OpenFile(aside, flags, 0o644)
		}
		if err != nil || hold(file) {
			return aside, file, err
		}
		file.Close() // another process has just removed it
	}
}

// link makes a hard link from an object's name to the file aside, and makes missing folders of the name.
func (f *Folder) link(aside, name string) error {
	err := f.root.Link(aside, name)
	// A process that removes temporary objects may remove a folder as soon as it is made.
	for tries := 0; errors.Is(err, fs.ErrNotExist) && tries < 100; tries++ {
		folder := path.Dir(name)
		if err := f.root.MkdirAll(folder, 0o755); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		f.durable.remove(folder)
		f.after("folders")
		err = f.root.Link(aside, name)
	}
	if err == nil {
		f.after("link")
	}
	return err
}

// syncFolders makes a folder's entries durable. When a folder is used for the first time, it also syncs the folders
// above, which this or another process may have just made.
func (f *Folder) syncFolders(name string) error {
	known := f.durable.has(name)
	for folder := name; ; folder = path.Dir(folder) {
		if err := f.syncFolder(folder); err != nil {
			return err
		}
		f.after("sync folder")
		if folder == "." || known {
			break
		}
	}
	f.durable.add(name)
	return nil
}

func (f *Folder) syncFolder(name string) error {
	folder, err := f.root.Open(name)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

func (f *Folder) fail(doing, name string, err error) error {
	err = MachineFault(f.root.Name(), f.linked(name, err))
	return fmt.Errorf("%s %s in %s: %w", doing, name, f.root.Name(), err)
}
