"""The Triton backend as vLLM 0.18.1's source has it, as far as the package's attention can see it.

The function has that version's arguments, and computes the same with torch; the class calls it by
the name in this module, with keywords. `PAUSE` is what a call takes longer: a T4's slow attention.
"""

import time

import torch

PAUSE = 0.0


def unified_attention(
    q,
    k,
    v,
    out,
    cu_seqlens_q,
    max_seqlen_q,
    seqused_k,
    max_seqlen_k,
    softmax_scale,
    causal,
    window_size,
    block_table,
    softcap,
    q_descale,
    k_descale,
    v_descale,
    seq_threshold_3D=None,  # noqa: N803 - vLLM's name
    num_par_softmax_segments=None,
    softmax_segm_output=None,
    softmax_segm_max=None,
    softmax_segm_expsum=None,
    alibi_slopes=None,
    output_scale=None,
    qq_bias=None,
    sinks=None,
    mm_prefix_range=None,
    use_alibi_sqrt=False,
):
    """Attend with one new token a sequence."""
    time.sleep(PAUSE)
    block, group = k.shape[1], q.shape[1] // k.shape[2]
    for row, length in enumerate(seqused_k.tolist()):
        places = torch.arange(length)
        where = block_table[row, places // block].long(), places % block
        keys, values = (c[where].float().repeat_interleave(group, 1) for c in (k, v))
        scores = torch.einsum("hd,lhd->hl", q[row].float(), keys) * softmax_scale
        out[row] = torch.einsum("hl,lhd->hd", scores.softmax(-1), values).to(out.dtype)


class TritonAttentionImpl:
    """Calls the function above, looked up at each call."""

    scale, sliding_window, logits_soft_cap = 0.125, (-1, -1), 0

    def forward(self, query, kv_cache, output, metadata):
        """Attend from a batch of decoding sequences."""
        key_cache, value_cache = kv_cache.unbind(1)
        ones = torch.ones(metadata.seq_lens.shape[0], key_cache.shape[2])
        unified_attention(
            q=query,
            k=key_cache,
            v=value_cache,
            out=output,
            cu_seqlens_q=metadata.query_start_loc,
            max_seqlen_q=metadata.max_query_len,
            seqused_k=metadata.seq_lens,
            max_seqlen_k=metadata.max_seq_len,
            softmax_scale=self.scale,
            causal=True,
            alibi_slopes=None,
            use_alibi_sqrt=False,
            window_size=self.sliding_window,
            block_table=metadata.block_table,
            softcap=self.logits_soft_cap,
            q_descale=None,
            k_descale=ones,
            v_descale=ones,
            seq_threshold_3D=metadata.seq_threshold_3D,
            num_par_softmax_segments=metadata.num_par_softmax_segments,
            softmax_segm_output=metadata.softmax_segm_output,
            softmax_segm_max=metadata.softmax_segm_max,
            softmax_segm_expsum=metadata.softmax_segm_expsum,
            sinks=None,
            output_scale=None,
            mm_prefix_range=None,
        )
        return output
