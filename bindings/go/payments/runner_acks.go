package payments

import "context"

// handled is an event that is to be acknowledged.
type handled struct {
	event *Event
	// ended gets whether it was.
	ended chan bool
}

// ack acknowledges an event together with others that were handled meanwhile, which costs little more than one.
func (r *running) ack(ctx context.Context, event *Event) error {
	one := handled{event, make(chan bool, 1)}
	r.handled <- one
	if <-one.ended {
		return nil
	}
	return r.Payments.Ack(ctx, event) // says why, and stands in no other's way
}

// ackHandled acknowledges what was handled, until nothing more comes.
func (r *running) ackHandled() {
	for first := range r.handled {
		r.ackTogether(r.withWaiting(first))
	}
}

// withWaiting adds what waits now.
func (r *running) withWaiting(first handled) []handled {
	all := []handled{first}
	for len(all) < r.Batch {
		select {
		case next, more := <-r.handled:
			if !more {
				return all
			}
			all = append(all, next)
		default:
			return all
		}
	}
	return all
}

func (r *running) ackTogether(all []handled) {
	events := make([]*Event, len(all))
	for i, one := range all {
		events[i] = one.event
	}
	lost, err := AckAll(r.working, r.Payments, events)
	isLost := make(map[*Event]bool, len(lost))
	for _, event := range lost {
		isLost[event] = true
	}
	for _, one := range all {
		one.ended <- err == nil && !isLost[one.event]
	}
}
