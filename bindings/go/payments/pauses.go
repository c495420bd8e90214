package payments

import (
	"math/rand/v2"
	"time"
)

// pauses are those between looks. While there are errors they grow. They are random by a quarter, so that machines that began together do not
// look together.
type pauses struct {
	usual, most time.Duration
	errors      int
}

func (r *running) pauses(usual time.Duration) *pauses { return &pauses{usual: usual, most: r.MaxPause} }

func (p *pauses) next(err error) time.Duration {
	if err == nil {
		p.errors = 0
		return jitter(p.usual)
	}
	pause := min(p.usual, time.Second) << min(p.errors, 16)
	p.errors++
	return jitter(min(pause, p.most))
}

func jitter(d time.Duration) time.Duration {
	return d - d/4 + rand.N(d/2+1)
}
