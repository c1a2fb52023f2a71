/* SPDX-License-Identifier: MIT */
/* sim_loss.c - what an unreliable network does to a datagram: loses it, carries it twice, or does
 * not keep its order. Without such options no random number is drawn. */
#include "sim_wire.h"

enum sim_loss__mark { SIM_LOSS__LOST = 200 }; /* in the trace, beside the marks of sim_wire.c */

static bool sim_loss__happens(struct net_simulation *simulation, uint32_t percent)
{
    return percent > 0 && wire_random(simulation, 100) < percent;
}

static void sim_loss__carry(struct net_simulation *simulation, const struct net_address *from,
                            const struct net_address *to, const uint8_t *bytes, uint32_t length)
{
    bool in_order = !sim_loss__happens(simulation, simulation->options.datagram_reorder_percent);

    wire_carry_datagram(simulation, from, to, bytes, length, in_order);
}

void wire_send_datagram(struct net_simulation *simulation, const struct net_address *from,
                        const struct net_address *to, const uint8_t *bytes, uint32_t length)
{
    if (sim_loss__happens(simulation, simulation->options.datagram_loss_percent)) {
        wire_trace(simulation, SIM_LOSS__LOST, to->port, length);
        return;
    }
    if (sim_loss__happens(simulation, simulation->options.datagram_copy_percent))
        sim_loss__carry(simulation, from, to, bytes, length);
    sim_loss__carry(simulation, from, to, bytes, length);
}
