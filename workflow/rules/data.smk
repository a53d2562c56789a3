# From a dataset's archive to images ready for training.


localrules:
    download,


# What is wrong with the images is found in them: before the weights are fetched, and both before anything is computed.
FIRST, SECOND = 2, 1


rule download:
    output:
        source=ensure(results(address.SOURCE), non_empty=True),
    log:
        logs("download/{dataset}.log"),
    benchmark:
        logs("download/{dataset}.tsv")
    priority: FIRST
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scale_with_attempt(FIXED["download"].megabytes),
        runtime=scale_with_attempt(FIXED["download"].minutes),
    params:
        spec=spec_of(lambda wildcards: SPECS.source(wildcards.dataset)),
        catalogue=catalogue,
    shell:
        "python -m fgir download --spec {params.spec:q} --catalogue {params.catalogue:q} --out {output.source:q} 2>&1 | tee {log:q}"


rule manifest:
    input:
        source=results(address.SOURCE),
    output:
        manifest=ensure(results(address.MANIFEST), non_empty=True),
    log:
        logs("manifest/{dataset}.log"),
    benchmark:
        logs("manifest/{dataset}.tsv")
    priority: FIRST
    conda:
        ENVIRONMENT
    # More would wait for several cores to be free at once, and jobs of less priority take them one by one meanwhile.
    threads: 1
    resources:
        mem_mb=scale_with_attempt(READING_MB),
        runtime=minutes_to_read,
    params:
        spec=spec_of(lambda wildcards: SPECS.source(wildcards.dataset)),
    shell:
        "python -m fgir manifest --spec {params.spec:q} --source {input.source:q} "
        "--out {output.manifest:q} > {log:q} 2>&1"


rule split:
    input:
        manifest=results(address.MANIFEST),
    output:
        split=ensure(results(address.SPLIT), non_empty=True),
    log:
        logs("split/{dataset}.log"),
    benchmark:
        logs("split/{dataset}.tsv")
    priority: FIRST
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scale_with_attempt(FIXED["split"].megabytes),
        runtime=scale_with_attempt(FIXED["split"].minutes),
    params:
        spec=spec_of(lambda wildcards: SPECS.split(wildcards.dataset)),
    shell:
        "python -m fgir split --spec {params.spec:q} --manifest {input.manifest:q} "
        "--out {output.split:q} > {log:q} 2>&1"


rule pixels:
    input:
        source=results(address.SOURCE),
        split=results(address.SPLIT),
    output:
        pixels=ensure(results(address.PIXELS), non_empty=True),
    log:
        logs("pixels/{dataset}-{size}.log"),
    benchmark:
        logs("pixels/{dataset}-{size}.tsv")
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem_mb=scale_with_attempt(READING_MB),
        runtime=minutes_to_read,
    params:
        spec=spec_of(
            lambda wildcards: SPECS.pixels(wildcards.dataset, int(wildcards.size))
        ),
    shell:
        "python -m fgir pixels --spec {params.spec:q} --source {input.source:q} --split {input.split:q} "
        "--threads {threads} --out {output.pixels:q} > {log:q} 2>&1"
