#include "cloud.h"

bool
cloud_read(struct cloud *c, struct err *e)
{
	if (c->tx != TX_NONE)
		return true;
	if (!c->db->begin(c->store, false, e))
		return false;
	c->tx = TX_READ;
	return true;
}

bool
cloud_write(struct cloud *c, struct err *e)
{
	if (c->broken.kind) {
		*e = c->broken;
		return false;
	}
	if (c->tx == TX_WRITE)
		return true;
	if (c->tx == TX_READ && !cloud_end(c, e))
		return false;
	if (!c->db->begin(c->store, true, e))
		return false;
	c->tx = TX_WRITE;
	return true;
}

bool
cloud_spoil(struct cloud *c, const struct err *e)
{
	if (c->tx == TX_WRITE && e->kind == ERR_SIDE && !c->broken.kind)
		c->broken = *e;
	return false;
}

bool
cloud_end(struct cloud *c, struct err *e)
{
	bool ok = true;

	if (c->broken.kind) {
		*e = c->broken;
		ok = false;
	} else if (c->tx != TX_NONE) {
		ok = c->db->commit(c->store, e);
	}
	if (!ok)
		c->db->rollback(c->store);
	c->tx = TX_NONE;
	err_clear(&c->broken);
	return ok;
}
