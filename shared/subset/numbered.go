package subset

import (
	"context"
	"errors"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// firstWhole calls try with name(1), name(2), and so on, until the object of that name is not damaged. If every object
// is damaged, the error is bucket.ErrDamaged; if there is none, it is bucket.ErrNotExist. missing is then the name
// that has no object yet.
func firstWhole(name func(n int) string, try func(name string) error) (missing string, err error) {
	var damaged error
	for n := 1; ; n++ {
		err := try(name(n))
		switch {
		case errors.Is(err, bucket.ErrNotExist) && damaged != nil:
			return name(n), damaged
		case errors.Is(err, bucket.ErrNotExist):
			return name(n), err
		case !errors.Is(err, bucket.ErrDamaged):
			return "", err
		}
		damaged = err
	}
}

// noneWhole reports whether an error of firstWhole says that no object is whole.
func noneWhole(err error) bool {
	return errors.Is(err, bucket.ErrNotExist) || errors.Is(err, bucket.ErrDamaged)
}

// createWhole writes an object under the name that first, a call of firstWhole, finds to be missing. It writes nothing
// if an object is whole, also one that another process writes meanwhile.
func createWhole(
	ctx context.Context, work bucket.Bucket, first func() (missing string, err error), write func(io.Writer) error,
) error {
	for {
		missing, err := first()
		if !noneWhole(err) {
			return err
		}
		if created, err := bucket.CreateOnce(ctx, work, missing, write); created || err != nil {
			return err
		}
	}
}
